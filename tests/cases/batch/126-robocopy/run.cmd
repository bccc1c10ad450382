@echo off
robocopy src dst /e /njh /njs /ndl /nfl /np > nul
echo first %ERRORLEVEL%
if %ERRORLEVEL% LSS 8 echo fine
type dst\deep\two.txt
robocopy src dst /e > nul
echo second %ERRORLEVEL%
robocopy nowhere dst > nul 2>&1
echo third %ERRORLEVEL%
echo extra> dst\extra.txt
robocopy src dst /mir /xf *.log > nul
echo fourth %ERRORLEVEL%
if not exist dst\extra.txt echo purged
