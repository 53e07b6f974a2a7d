using System.Net;
using System.Text;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Connections;

var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    var haproxy = new ProxyProtocolOptions { TrustedProxies = { IPNetwork.Parse("127.0.0.1/32") } };

    // HTTP: the application sees the client's address.
    kestrel.Listen(IPEndPoint.Parse(args[0]), listen => listen.UseProxyProtocol(haproxy));

    // Raw TCP: so does a handler of connections.
    kestrel.Listen(IPEndPoint.Parse(args[1]), listen => listen.UseProxyProtocol(haproxy).Run(async connection =>
        await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"Hello, {connection.RemoteEndPoint}!\n"))));
});

var app = builder.Build();
app.MapGet("/", (HttpContext http) => $"Hello, {http.Connection.RemoteIpAddress}:{http.Connection.RemotePort}!\n");
app.Run();
