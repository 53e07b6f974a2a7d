namespace Kestrel.Epoll;

/// <summary>Hooks for tests at the places where another thread may intervene. Only DEBUG builds call them.</summary>
internal interface ISeams
{
    /// <summary>Called when a thread is about to take a lock.</summary>
    /// <param name="gate">The object to lock.</param>
    void BeforeLock(object gate);

    /// <summary>Called between two steps: before or after a system call, or between a decision and its effect.</summary>
    void Pass();

    /// <summary>The result to return in place of calling epoll_ctl(2); null to call it.</summary>
    Errno? Watch();
}
