@echo off
if 10 GTR 9 echo number
if "10" LSS "9" echo text
if abc LSS abd echo order
if /i ABC EQU abc echo any case
if ABC NEQ abc echo case
if 0x10 EQU 16 echo hex
if 010 EQU 8 echo octal
if -1 LSS 0 echo negative
if a==a (if not b==c echo both)
if "" == "" echo empty
if not defined NOPE if not exist nope.txt echo neither
