// Command cart is the shop's cart, as small as it can be: it escapes a name for a page, in a language.
package main

import (
	"fmt"
	"os"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/html"
	"golang.org/x/text/language"
)

func main() {
	tag, err := language.Parse(os.Getenv("SHOP_LANG"))
	if err != nil {
		tag = language.English
	}
	if len(os.Args) > 2 {
		err = bcrypt.CompareHashAndPassword([]byte(os.Args[1]), []byte(os.Args[2]))
	}
	fmt.Printf("<p lang=%q>%s</p> %v\n", tag, html.EscapeString(os.Getenv("SHOP_NAME")), err)
}
