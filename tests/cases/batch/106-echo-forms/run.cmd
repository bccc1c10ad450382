@echo off
echo.
echo.text
echo:colon
echo(paren
echo/slash
echo,comma
echo;semi
echo   two spaces more
echo "quoted & kept"
echo 5 ^> 4 ^& 3 ^< 4
echo 100%%
echo a^
b
echo
echo off now
echo %UNDEFINED_HERE%
