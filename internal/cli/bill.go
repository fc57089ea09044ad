package cli

import (
	"errors"
	"io"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
)

func readBill(path string, stdin io.Reader) (*scan.Bill, error) {
	return nil, errors.New(path + " is no image, no archive and no folder")
}
