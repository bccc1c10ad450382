@echo off
setlocal enabledelayedexpansion
set LIST=
for %%i in (a b c) do (
    set LIST=!LIST!%%i;
    set N_%%i=!LIST!
)
echo !LIST! %LIST%
echo !N_b!
set KEY=b
echo !N_%KEY%!
echo !LIST:~0,3! !LIST:;=+!
echo wow^!
if "!LIST!"=="a;b;c;" echo same
endlocal
echo [%LIST%] !LIST!
