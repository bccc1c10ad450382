@echo off
type list.txt | find "b"
find /c "b" < list.txt
find /i "BANANA" list.txt
find /v "a" < list.txt
type list.txt | findstr /i "APPLE cherry"
findstr /r "^b.*a$" list.txt
findstr /n /c:"a c" list.txt
findstr /m "apple" *.txt
sort < list.txt
sort /r list.txt
type list.txt | find "zzz" > nul
echo %ERRORLEVEL%
type list.txt | findstr /v /b "b a"
