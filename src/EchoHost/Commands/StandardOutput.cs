using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace EchoHost.Commands;

/// <summary>
/// Writes the output of commands and reports failures. Console ignores a closed pipe, so an endless command would continue after
/// its reader has left.
/// </summary>
internal sealed unsafe partial class StandardOutput : TextWriter
{
    private const int Descriptor = 1;

    // Linux's error numbers, errno(3).
    private const int Interrupted = 4;
    private const int Again = 11;
    private const int BrokenPipe = 32;

    public override Encoding Encoding => Encoding.UTF8;

    /// <summary>Writes a line.</summary>
    /// <exception cref="StandardOutputException">It can't be written.</exception>
    public override void WriteLine(string? value) => Write($"{value}\n");

    /// <inheritdoc cref="WriteLine(string?)"/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc cref="WriteLine(string?)"/>
    public override void Write(string? value)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                WriteAll(Encoding.UTF8.GetBytes(value ?? ""));
            }
            else
            {
                Console.Out.Write(value);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StandardOutputException(e.Message, isReaderGone: false);
        }
    }

    private static void WriteAll(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* at = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var written = Write(Descriptor, at + done, (nuint)(bytes.Length - done));
                if (written >= 0)
                {
                    done += written;
                }
                else if (Marshal.GetLastSystemError() is var error && error == Again)
                {
                    // Another process that shares the descriptor has made it non-blocking.
                    Thread.Sleep(1);
                }
                else if (error != Interrupted)
                {
                    throw new StandardOutputException(new Win32Exception(error).Message, error == BrokenPipe);
                }
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int descriptor, byte* buffer, nuint length);
}
