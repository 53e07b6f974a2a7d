using System.Net;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;

var (http, echo) = (IPEndPoint.Parse(args[0]), IPEndPoint.Parse(args[1]));

var builder = WebApplication.CreateSlimBuilder(args);
// The echo only moves bytes: its code runs right on the event loop, that of HTTP on the thread pool.
builder.WebHost.UseEpoll(epoll => epoll.ContinueOnLoop = endPoint => endPoint == echo);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Listen(http);

    // Raw TCP: every byte comes back.
    kestrel.Listen(echo, listen => listen.StartOnLoop().Run(connection =>
        connection.Transport.Input.CopyToAsync(connection.Transport.Output)));
});

var app = builder.Build();
app.MapGet("/", () => "Hello over epoll!\n");
app.Run();
