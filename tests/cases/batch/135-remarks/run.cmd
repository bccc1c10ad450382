@echo off
rem a remark with > and | and ( and "
:: another one
REM
@rem quiet
echo one & rem behind & echo hidden
goto start
: a label that is a remark
text that is no command at all (
:start
if 1==1 (
    rem in a block )
    :: in a block, too
    echo in block
)
echo end
