namespace Kestrel.Epoll;

/// <summary>
/// What tests put in at the places where another thread may come between. A build without DEBUG, as is shipped, has no call
/// of it.
/// </summary>
internal interface ISeams
{
    /// <summary>A thread is about to take a lock.</summary>
    /// <param name="gate">The object that is locked.</param>
    void BeforeLock(object gate);

    /// <summary>A thread is between two steps: before or after a system call, or between a decision and what follows from it.</summary>
    void Pass();

    /// <summary>What epoll_ctl(2) is to answer; null to have it called.</summary>
    Errno? Watch();
}
