package directory

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// userAttributes are all that is read of a person.
func (c *Config) userAttributes() []string {
	all := []string{idAttribute(c.Kind), c.Users.Name, "memberOf"}
	if c.Kind == ActiveDirectory {
		return append(all, "objectSid", "primaryGroupID", "userAccountControl", "msDS-User-Account-Control-Computed", "lockoutTime", "accountExpires", "pwdLastSet")
	}
	return append(all, "uid", "shadowExpire", "shadowLastChange", "shadowMax", "pwdAccountLockedTime", "pwdReset", "pwdStartTime", "pwdEndTime", "nsAccountLock")
}

// out says why an account may not be used; empty: it may. What the directory does not show is not known here.
func (c *Config) out(e *ldap.Entry) string {
	if c.Kind == ActiveDirectory {
		return outOfWindows(e, c.Now())
	}
	return outOfUnix(e, c.Now())
}

// Flags of userAccountControl, and of what Active Directory works out of it ([MS-ADTS] 2.2.16).
const (
	disabled        = 0x2
	lockedOut       = 0x10
	neverExpires    = 0x10000
	smartCard       = 0x40000
	passwordExpired = 0x800000
)

// never is how Active Directory writes a time that does not come; so is 0.
const never = 1<<63 - 1

// epoch is 1601 in hundreds of nanoseconds before 1970.
const epoch = 116_444_736_000_000_000

func outOfWindows(e *ldap.Entry, now time.Time) string {
	flags, err := strconv.ParseInt(value(e, "userAccountControl"), 10, 64)
	if err != nil {
		return "its userAccountControl cannot be read, and so it is not known whether it is disabled"
	}
	expires, _ := strconv.ParseInt(value(e, "accountExpires"), 10, 64)
	locked := number(e, "lockoutTime", 0) != 0
	expired := value(e, "pwdLastSet") == "0" && flags&(neverExpires|smartCard) == 0
	if computed, err := strconv.ParseInt(value(e, "msDS-User-Account-Control-Computed"), 10, 64); err == nil {
		// It knows how long a lock-out lasts, and how old a password may be.
		locked, expired = computed&lockedOut != 0, expired || computed&passwordExpired != 0
	}
	switch {
	case flags&disabled != 0:
		return "the account is disabled"
	case locked:
		return "the account is locked out"
	case expires > 0 && expires != never && !now.Before(time.Unix((expires-epoch)/10_000_000, 0)):
		return "the account has expired"
	case expired:
		return "the password has expired, or is to be changed"
	}
	return ""
}

func outOfUnix(e *ldap.Entry, now time.Time) string {
	today := now.Unix() / (24 * 60 * 60)
	changed, most := number(e, "shadowLastChange", -1), number(e, "shadowMax", -1)
	switch {
	case value(e, "pwdAccountLockedTime") != "":
		// Until when depends on a policy that need not be readable. OpenLDAP takes it away at the next good password.
		return "the account is locked (pwdAccountLockedTime)"
	case strings.EqualFold(value(e, "nsAccountLock"), "true"):
		return "the account is locked (nsAccountLock)"
	case number(e, "shadowExpire", -1) >= 0 && today >= number(e, "shadowExpire", -1):
		return "the account has expired (shadowExpire)"
	case begins(e, "pwdEndTime", now, true):
		return "the account has expired (pwdEndTime)"
	case begins(e, "pwdStartTime", now, false):
		return "the account may not be used yet (pwdStartTime)"
	case strings.EqualFold(value(e, "pwdReset"), "true"), changed == 0:
		return "the password is to be changed"
	case changed > 0 && most >= 0 && today-changed > most:
		return "the password has expired (shadowMax)"
	}
	return ""
}

// begins says whether a time has come, or has not; of what is no time, the worse.
func begins(e *ldap.Entry, attribute string, now time.Time, want bool) bool {
	text := value(e, attribute)
	if text == "" {
		return false
	}
	at, err := time.Parse("20060102150405Z", text)
	return err != nil || !now.Before(at) == want
}

// number is a whole number; of what is none, none.
func number(e *ldap.Entry, attribute string, none int64) int64 {
	n, err := strconv.ParseInt(value(e, attribute), 10, 64)
	if err != nil {
		return none
	}
	return n
}
