require("fs")
