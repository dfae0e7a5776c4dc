module argosy.example/build/supervisor

go 1.26.0
