@main def run() = println(1)
