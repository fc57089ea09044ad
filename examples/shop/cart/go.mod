module example.com/shop/cart

go 1.21

require (
	golang.org/x/crypto v0.14.0
	golang.org/x/net v0.16.0
	golang.org/x/text v0.13.0
)
