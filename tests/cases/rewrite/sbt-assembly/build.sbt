ThisBuild / scalaVersion := "3.4.2"
lazy val root = (project in file("."))
  .settings(
    name := "app",
    assembly / assemblyJarName := "app.jar",
    libraryDependencies += "org.typelevel" %% "cats-core" % "2.10.0",
  )
