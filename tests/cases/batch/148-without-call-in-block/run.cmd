@echo off
if 1==1 (
    helper.cmd
    echo not reached
)
echo not reached either
