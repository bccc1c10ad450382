/* Host.cs as a native program: ends when the shutdown file is there, or at Ctrl+C. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

static HANDLE end;

static BOOL WINAPI told(DWORD event)
{
    return event == CTRL_C_EVENT && SetEvent(end);
}

int main(void)
{
    const char *file = getenv("WEBJOBS_SHUTDOWN_FILE");
    end = CreateEventA(NULL, TRUE, FALSE, NULL);
    SetConsoleCtrlHandler(told, TRUE);
    puts("started");
    fflush(stdout);
    while (WaitForSingleObject(end, 200) == WAIT_TIMEOUT)
        if (file && GetFileAttributesA(file) != INVALID_FILE_ATTRIBUTES)
            break;
    puts("stopping");
    return 0;
}
