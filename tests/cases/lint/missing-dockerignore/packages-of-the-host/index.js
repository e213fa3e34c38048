require("left");
