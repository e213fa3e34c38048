console.log("linked")
