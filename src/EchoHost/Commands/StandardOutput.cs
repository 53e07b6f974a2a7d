using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace EchoHost.Commands;

/// <summary>
/// Writes the output of commands and reports failures. Console ignores a closed pipe, so an endless command would continue after
/// its reader has left.
/// </summary>
internal static unsafe partial class StandardOutput
{
    private const int Descriptor = 1;

    // Linux's error numbers, errno(3).
    private const int Interrupted = 4;
    private const int Again = 11;
    private const int BrokenPipe = 32;

    /// <summary>Writes a line.</summary>
    /// <exception cref="StandardOutputException">The line can't be written.</exception>
    public static void WriteLine(string line)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                Write(Encoding.UTF8.GetBytes($"{line}\n"));
            }
            else
            {
                Console.WriteLine(line);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StandardOutputException(e.Message, isNobodyThere: false);
        }
    }

    private static void Write(ReadOnlySpan<byte> bytes)
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
