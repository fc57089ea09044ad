//go:build !linux

package domain

import "syscall"

func leash() *syscall.SysProcAttr { return nil }
