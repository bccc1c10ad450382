@echo off
for %%i in (1 2 3) do (
    for %%j in (a b) do (
        echo %%i%%j
        if "%%i%%j"=="2a" goto found
    )
)
echo not found
:found
echo found
for %%i in (1 2 3) do (
    if %%i==2 exit /b %%i
    echo %%i
)
