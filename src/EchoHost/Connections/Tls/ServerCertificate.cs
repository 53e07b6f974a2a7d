using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Connections.Tls;

/// <summary>
/// An endpoint's current certificate, and the authorities whose client certificates it accepts. Checks their files for
/// changes every second; a bad new file leaves the old contents in force.
/// </summary>
internal sealed partial class ServerCertificate : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly string _endpoint;
    private readonly TlsOptions _options;
    private readonly CertificateFile _file;
    private readonly AuthoritiesFile? _authoritiesFile;
    private readonly ILogger<ServerCertificate> _logger;
    private readonly ITimer _timer;
    private volatile SslStreamCertificateContext _current;
    private volatile X509Certificate2Collection? _authorities;
    private string _fingerprint;
    private string? _authoritiesFingerprint;
    private string? _problem;
    private string? _authoritiesProblem;
    private int _isLooking;

    /// <summary>Loads the files, which were checked when the configuration was read.</summary>
    public ServerCertificate(string endpoint, TlsOptions options, TimeProvider time, ILogger<ServerCertificate> logger)
    {
        _endpoint = endpoint;
        _options = options;
        _file = new CertificateFile(options.Certificate);
        _logger = logger;
        _fingerprint = _file.Fingerprint();
        _current = _file.Load();
        if (options.ClientCertificateAuthorities is { } path)
        {
            _authoritiesFile = new AuthoritiesFile(path);
            _authoritiesFingerprint = _authoritiesFile.Fingerprint();
            _authorities = _authoritiesFile.Load();
        }

        _timer = time.CreateTimer(_ => Look(), null, Period, Period);
    }

    public SslStreamCertificateContext Current => _current;

    /// <summary>The authorities that may issue client certificates; null for those of the system.</summary>
    public X509Certificate2Collection? Authorities => _authorities;

    public void Dispose() => _timer.Dispose();

    /// <summary>Checks the files for changes once.</summary>
    internal void Look()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0)
        {
            return;
        }

        // A file may be half written, or not match its key yet: try again every second, but log each problem once.
        if (Try(LookAtCertificate, e => $"Certificate:{_file.Explain(e)}") is var problem && problem != _problem)
        {
            _problem = problem;
            if (problem is not null)
            {
                LogKept(_endpoint, problem);
            }
        }

        if (_authoritiesFile is not null && Try(LookAtAuthorities, ExplainAuthorities) is var authoritiesProblem && authoritiesProblem != _authoritiesProblem)
        {
            _authoritiesProblem = authoritiesProblem;
            if (authoritiesProblem is not null)
            {
                LogAuthoritiesKept(_endpoint, authoritiesProblem);
            }
        }

        Volatile.Write(ref _isLooking, 0);
    }

    private string ExplainAuthorities(Exception e) =>
        $"ClientCertificateAuthorities is '{_options.ClientCertificateAuthorities}': {e.Message.ReplaceLineEndings(" ")}";

    /// <summary>The problem with the file; null if there is none.</summary>
    private static string? Try(Action look, Func<Exception, string> explain)
    {
        try
        {
            look();
            return null;
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            return explain(e);
        }
    }

    private void LookAtCertificate()
    {
        var fingerprint = _file.Fingerprint();
        if (fingerprint != _fingerprint)
        {
            _current = _file.Load();
            _fingerprint = fingerprint;
            LogReloaded(_endpoint, _current.TargetCertificate.Subject, _current.TargetCertificate.NotAfter.ToUniversalTime());
        }
    }

    private void LookAtAuthorities()
    {
        var fingerprint = _authoritiesFile!.Fingerprint();
        if (fingerprint != _authoritiesFingerprint)
        {
            var authorities = _authoritiesFile.Load();
            _authorities = authorities;
            _authoritiesFingerprint = fingerprint;
            LogAuthoritiesReloaded(_endpoint, authorities.Count);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Endpoint {Endpoint:l} has a new certificate: {Subject:l}, valid to {NotAfter:u}")]
    private partial void LogReloaded(string endpoint, string subject, DateTime notAfter);

    [LoggerMessage(2, LogLevel.Warning, "Endpoint {Endpoint:l} keeps its certificate, since the new one can't be used: {Problem:l}")]
    private partial void LogKept(string endpoint, string problem);

    [LoggerMessage(3, LogLevel.Information, "Endpoint {Endpoint:l} has new authorities for client certificates: {Count}")]
    private partial void LogAuthoritiesReloaded(string endpoint, int count);

    [LoggerMessage(4, LogLevel.Warning, "Endpoint {Endpoint:l} keeps its authorities for client certificates, since the new ones can't be used: {Problem:l}")]
    private partial void LogAuthoritiesKept(string endpoint, string problem);
}
