@echo off
cmd /c exit 0 && echo yes || echo no
cmd /c exit 1 && echo yes || echo no
(cmd /c exit 5) || echo failed %ERRORLEVEL%
echo a & echo b&echo c
cmd /c exit 2 || (echo one & echo two)
echo x && (echo y) || (echo z)
