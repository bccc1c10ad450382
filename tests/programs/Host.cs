// A continuous job. Ends when the shutdown file is there, as the WebJobs SDK's host does, or at SIGTERM, which .NET turns
// into ProcessExit.
using System;
using System.IO;
using System.Threading;

static class Host
{
    static readonly ManualResetEvent End = new ManualResetEvent(false);
    static readonly ManualResetEvent Ended = new ManualResetEvent(false);

    static void Changed(object source, FileSystemEventArgs what)
    {
        if (what.FullPath.EndsWith(Path.GetFileName(Environment.GetEnvironmentVariable("WEBJOBS_SHUTDOWN_FILE")))) End.Set();
    }

    static int Main()
    {
        string file = Environment.GetEnvironmentVariable("WEBJOBS_SHUTDOWN_FILE");
        AppDomain.CurrentDomain.ProcessExit += delegate { End.Set(); Ended.WaitOne(5000); };
        FileSystemWatcher watcher = null;
        if (!string.IsNullOrEmpty(file))
        {
            watcher = new FileSystemWatcher(Path.GetDirectoryName(file));
            watcher.Created += Changed;
            watcher.Changed += Changed;
            watcher.EnableRaisingEvents = true;
        }
        Console.WriteLine("started");
        while (!End.WaitOne(500) && !(file != null && File.Exists(file))) { }
        Console.WriteLine("stopping");
        if (watcher != null) watcher.Dispose();
        Ended.Set();
        return 0;
    }
}
