print("tinyrt")
