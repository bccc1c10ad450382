/* Report.cs as a native program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void copy(const char *path)
{
    FILE *file = fopen(path, "r");
    int letter;
    if (!file) {
        perror(path);
        exit(1);
    }
    while ((letter = getc(file)) != EOF)
        putchar(letter);
    fclose(file);
}

/* Seconds of Unix time; Windows counts tenths of microseconds since 1601. */
static double now(void)
{
    FILETIME time;
    GetSystemTimePreciseAsFileTime(&time);
    return (((unsigned long long)time.dwHighDateTime << 32) + time.dwLowDateTime) / 1e7 - 11644473600.0;
}

int main(int count, char **words)
{
    int code = 0;
    for (int i = 1; i < count; i++) {
        int more = i + 1 < count;
        if (!strcmp(words[i], "--env") && more) {
            const char *value = getenv(words[++i]);
            printf("%s=%s\n", words[i], value ? value : "");
        } else if (!strcmp(words[i], "--read") && more)
            copy(words[++i]);
        else if (!strcmp(words[i], "--error") && more)
            fprintf(stderr, "%s\n", words[++i]);
        else if (!strcmp(words[i], "--clock"))
            printf("%.6f\n", now());
        else if (!strcmp(words[i], "--exit") && more)
            code = atoi(words[++i]);
        else
            printf("[%s]\n", words[i]);
    }
    return code;
}
