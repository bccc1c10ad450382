@echo off
set /a A=1+2*3, B=(1+2)*3
echo %A% %B%
set /a C=17 %% 5, D=17/5, E=-17/5
echo %C% %D% %E%
set /a "F=6&3, G=6|1, H=6^3, I=1<<4, J=~0, K=!5"
echo %F% %G% %H% %I% %J% %K%
set /a A+=10
set /a A*=2
set /a A-=1
echo %A%
set /a X=0x1F + 010
echo %X%
set /a Y=UNDEFINED+1
echo %Y%
set /a Z=2147483647+1
echo %Z%
set /a M=N=4
echo %M%%N%
set /a Q=1/0 2>nul || echo failed
