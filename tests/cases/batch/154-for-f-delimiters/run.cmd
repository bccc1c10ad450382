@echo off
for /f "tokens=1* delims= " %%a in ("one two three") do echo %%b/%%a
for /f "tokens=1,2,3 delims=-" %%a in ("2020-01-02") do (set y=%%a& set m=%%b)
echo %y%/%m%.
for /f %%i in ('cd') do echo cd %%i
for /f "tokens=*" %%t in ("  padded  ") do echo [%%t]
for /f "tokens=1-4 delims=." %%a in ("10.0.1") do echo %%a %%b %%c [%%d]
for /f "tokens=2 delims=:" %%a in ("a:b:c") do echo %%a
for /f "delims=]" %%a in ("x]y") do echo %%a
for /f "tokens=1,2 delims=;, " %%a in ("p; q,r") do echo %%a%%b
