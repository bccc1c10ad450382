@echo off
(echo c& echo a& echo b) | sort
echo one two| findstr "two" >nul && echo found
set V=unchanged
echo x | set V=changed
echo %V%
echo abc | find "z" || echo nothing
