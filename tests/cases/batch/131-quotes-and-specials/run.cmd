@echo off
set "A=x & y | z > w"
echo "%A%"
set "B=%A%"
echo [%B%]
set C="in quotes"
echo %C%
set "D=tail"   ignored
echo %D%
set E=a=b=c
echo %E%
if "%A%"=="x & y | z > w" echo same
set "F=100%% of $HOME `date` \n"
echo %F%
