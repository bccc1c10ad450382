@echo off
set X=before
if 1==1 (
    set X=inside
    if "%X%"=="before" (
        echo still %X%
        (echo deep)
    ) else (
        echo wrong
    )
    for %%i in (1) do (
        if %%i==1 (echo loop %%i) else echo never
    )
) else echo never
echo now %X%
