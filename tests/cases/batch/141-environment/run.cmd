@echo off
echo %APPSETTING_KEY% %WEBSITE_SITE_NAME%
if defined WEBJOBS_NAME echo named %WEBJOBS_NAME%
if "%CD%"=="%WEBJOBS_PATH%" echo at home
echo %OS%
set NEW=%APPSETTING_KEY%-x
echo %NEW%
