@echo off
set V=0123456789
echo %V:~2% %V:~2,3% %V:~-3% %V:~-3,2% %V:~0,-8% %V:~3,-3%
echo [%V:~10%] [%V:~20,2%] [%V:~0,0%]
set D=2024-01-31
echo %D:-=% %D:-=/%
set T= 9:05
echo %T: =0%
set S=aXbxc
echo %S:x=-% %S:*x=%
echo [%NOPE:~0,2%]
