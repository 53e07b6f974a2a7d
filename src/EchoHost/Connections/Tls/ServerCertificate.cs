using System.Net.Security;
using EchoHost.Echo;

namespace EchoHost.Connections.Tls;

/// <summary>The certificate that an endpoint shows now. Its files are looked at every second; a bad new one leaves the old in force.</summary>
internal sealed partial class ServerCertificate : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly EchoEndpoint _endpoint;
    private readonly CertificateFile _file;
    private readonly ILogger<ServerCertificate> _logger;
    private readonly ITimer _timer;
    private volatile SslStreamCertificateContext _current;
    private string _fingerprint;
    private string? _problem;
    private int _isLooking;

    /// <summary>Takes over a certificate that was checked when the configuration was read.</summary>
    public ServerCertificate(EchoEndpoint endpoint, TimeProvider time, ILogger<ServerCertificate> logger)
    {
        _endpoint = endpoint;
        _file = new CertificateFile(endpoint.Tls!.Certificate);
        _logger = logger;
        _fingerprint = _file.Fingerprint();
        _current = _file.Load();
        _timer = time.CreateTimer(_ => Look(), null, Period, Period);
    }

    public SslStreamCertificateContext Current => _current;

    public void Dispose() => _timer.Dispose();

    /// <summary>Looks at the files once.</summary>
    internal void Look()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0)
        {
            return;
        }

        try
        {
            var fingerprint = _file.Fingerprint();
            if (fingerprint != _fingerprint)
            {
                _current = _file.Load();
                _fingerprint = fingerprint;
                _problem = null;
                LogReloaded(_endpoint.Name, _current.TargetCertificate.Subject, _current.TargetCertificate.NotAfter.ToUniversalTime());
            }
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            // A file may be half written, or its key still the old one's: tried again every second, said once.
            var problem = e.Message.ReplaceLineEndings(" ");
            if (problem != _problem)
            {
                _problem = problem;
                LogKept(_endpoint.Name, problem);
            }
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Endpoint {Endpoint:l} has a new certificate: {Subject:l}, valid to {NotAfter:u}")]
    private partial void LogReloaded(string endpoint, string subject, DateTime notAfter);

    [LoggerMessage(2, LogLevel.Warning, "Endpoint {Endpoint:l} keeps its certificate, since the new one can't be used: {Problem:l}")]
    private partial void LogKept(string endpoint, string problem);
}
