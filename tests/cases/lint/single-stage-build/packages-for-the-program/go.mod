module acme.example/app

go 1.23
