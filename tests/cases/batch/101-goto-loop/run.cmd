@echo off
set N=0
:again
set /a N+=1
echo round %N%
if %N% LSS 3 goto again
goto :done
echo not reached
:done
echo done
