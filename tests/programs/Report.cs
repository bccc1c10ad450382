// Tells what it was given: words in brackets, one a line. --env NAME, --read FILE, --error TEXT and --exit NUMBER do that;
// --clock tells the seconds of Unix time.
using System;
using System.Globalization;
using System.IO;

static class Report
{
    static int Main(string[] words)
    {
        int code = 0;
        for (int i = 0; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "--env": Console.WriteLine(words[++i] + "=" + Environment.GetEnvironmentVariable(words[i])); break;
                case "--read": Console.Write(File.ReadAllText(words[++i])); break;
                case "--error": Console.Error.WriteLine(words[++i]); break;
                case "--clock":
                    double now = (DateTime.UtcNow - new DateTime(1970, 1, 1)).TotalSeconds;
                    Console.WriteLine(now.ToString("F6", CultureInfo.InvariantCulture));
                    break;
                case "--exit": code = int.Parse(words[++i]); break;
                default: Console.WriteLine("[" + words[i] + "]"); break;
            }
        }
        return code;
    }
}
