module Lib where
