require("fs").readdirSync("scripts")
