@echo off
set FROM_HELPER=yes
echo helper %1 %~2 [%0] %~f0
exit /b 3
