// The plain echo server on Kestrel: its own transport and defaults, which set TCP_NODELAY, and the shortest handler.
// usage: StockKestrel PORT
using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Connections;

var port = int.Parse(args[0], CultureInfo.InvariantCulture);
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port, listen => listen.UseConnectionHandler<EchoHandler>()));
builder.Build().Run();

internal sealed class EchoHandler : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        while (true)
        {
            var read = await input.ReadAsync();
            foreach (var piece in read.Buffer)
            {
                output.Write(piece.Span);
            }

            var flush = await output.FlushAsync();
            input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted || flush.IsCompleted)
            {
                return;
            }
        }
    }
}
