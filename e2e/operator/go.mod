module github.com/headgate/headgate/e2e/operator

go 1.26.0
