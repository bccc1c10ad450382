@echo off
set LIST_A=1
set list_b=2
set LIST_
set LIST_C 2>nul || echo none
set LIST_A=
if not defined LIST_A echo removed
set LIST_
