#!/bin/sh
echo "$APP"
