package container

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// secretly takes what is called a password for one.
func secretly(text string) (string, finding.Severity) {
	if name, _, _ := strings.Cut(text, "="); strings.HasSuffix(name, "PASSWORD") {
		return "a password", finding.High
	}
	return "", ""
}

// run is the container that a line of docker run makes, as far as examples go.
func run(t *testing.T, line string) *host.Container {
	t.Helper()
	h := map[string]any{"NetworkMode": "default"}
	config := map[string]any{"User": ""}
	var security, add, drop, mounts []any
	ports := map[string]any{}
	words := strings.Fields(strings.TrimPrefix(line, "docker run "))
	for len(words) > 1 {
		flag, value, joined := strings.Cut(words[0], "=")
		words = words[1:]
		alone := slices.Contains([]string{"--privileged", "--read-only", "-it", "--no-healthcheck"}, flag)
		if !alone && !joined {
			value, words = words[0], words[1:]
		}
		number, _ := strconv.ParseFloat(strings.TrimSuffix(value, "m"), 64)
		switch flag {
		case "--privileged":
			h["Privileged"] = true
		case "--read-only":
			h["ReadonlyRootfs"] = true
		case "-it":
			config["OpenStdin"], config["Tty"] = true, true
		case "--no-healthcheck":
			config["Healthcheck"] = map[string]any{"Test": []string{"NONE"}}
		case "--health-cmd":
			config["Healthcheck"] = map[string]any{"Test": []string{"CMD-SHELL", value}}
		case "--network":
			h["NetworkMode"] = value
		case "--pid":
			h["PidMode"] = value
		case "--ipc":
			h["IpcMode"] = value
		case "--uts":
			h["UTSMode"] = value
		case "--userns":
			h["UsernsMode"] = value
		case "--hostname", "--tmpfs":
		case "--cap-add":
			add = append(add, value)
		case "--cap-drop":
			drop = append(drop, value)
		case "--security-opt":
			if security = append(security, value); value == "systempaths=unconfined" {
				h["MaskedPaths"] = []string{}
			}
		case "-v":
			parts := strings.Split(value+"::", ":")
			m := map[string]any{"Type": "bind", "Source": parts[0], "Destination": parts[1], "RW": parts[2] != "ro", "Propagation": parts[2]}
			if !strings.HasPrefix(parts[0], "/") {
				m["Type"], m["Source"] = "volume", "/var/lib/docker/volumes/"+parts[0]+"/_data"
			}
			mounts = append(mounts, m)
		case "--device":
			h["Devices"] = []any{map[string]any{"PathOnHost": value, "PathInContainer": value}}
		case "--sysctl":
			name, to, _ := strings.Cut(value, "=")
			h["Sysctls"] = map[string]string{name: to}
		case "--memory":
			h["Memory"] = int64(number) << 20
		case "--cpus":
			h["NanoCpus"] = int64(number * 1e9)
		case "--pids-limit":
			h["PidsLimit"] = int64(number)
		case "--cgroup-parent":
			h["CgroupParent"] = value
		case "--user":
			config["User"] = value
		case "-e":
			config["Env"] = []string{value}
		case "--restart":
			name, retries, _ := strings.Cut(value, ":")
			n, _ := strconv.Atoi(retries)
			h["RestartPolicy"] = map[string]any{"Name": name, "MaximumRetryCount": n}
		case "-p":
			parts := strings.Split(":"+value, ":")
			inner := parts[len(parts)-1] + "/tcp"
			ports[inner] = []any{map[string]any{"HostIp": parts[len(parts)-3], "HostPort": parts[len(parts)-2]}}
		default:
			t.Fatalf("%s: no flag of an example", flag)
		}
	}
	config["Image"] = words[0]
	h["SecurityOpt"], h["CapAdd"], h["CapDrop"], h["PortBindings"] = security, add, drop, ports
	b, err := json.Marshal(map[string]any{"Name": "/web", "Config": config, "HostConfig": h, "Mounts": mounts})
	if err != nil {
		t.Fatal(err)
	}
	c, err := host.ParseContainer("Docker", b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPages runs each check on the examples of its page.
func TestPages(t *testing.T) {
	for _, c := range Checks() {
		bad := c.Look(&Facts{Container: run(t, c.Page.Bad), Secret: secretly})
		if len(bad) == 0 {
			t.Errorf("%s does not find its bad example: %s", c.ID, c.Page.Bad)
		}
		for _, h := range bad {
			s := h.Subject
			if !strings.HasPrefix(h.Detail, "web (example.org/web") || s.Kind != "container" || s.Name != "web" || s.Field == "" || s.Field == "Config" || s.Field == "HostConfig" {
				t.Errorf("%s: a hit that does not say where: %+v %+v", c.ID, h, s)
			}
			if strings.Contains(h.Where+h.Detail, "Tr0ub4dor") {
				t.Errorf("%s shows a secret: %+v", c.ID, h)
			}
		}
		if good := c.Look(&Facts{Container: run(t, c.Page.Good), Secret: secretly}); len(good) > 0 {
			t.Errorf("%s does not pass its good example: %s\n%+v", c.ID, c.Page.Good, good)
		}
	}
}

// TestPagesByDocker makes the containers of the examples with a real daemon, and judges what it says of them. Nothing is started.
func TestPagesByDocker(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs Docker: set PLIMSOLL_TEST=all")
	}
	docker := func(input string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "docker", args...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	name := fmt.Sprintf("plimsoll-container-pages-%d", os.Getpid())
	id := docker("", "import", "-c", "CMD [\"/web\"]", "/dev/null", name+":1.4")
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", id).Run() })
	n := 0
	for _, c := range Checks() {
		for _, page := range []struct {
			line  string
			found bool
		}{{c.Page.Bad, true}, {c.Page.Good, false}} {
			words := strings.Fields(strings.TrimPrefix(page.line, "docker run "))
			asked := words[len(words)-1]
			if asked == "example.org/web" || strings.Contains(c.ID, "/image-") {
				continue // it is named by nothing that is here
			}
			words[len(words)-1] = name + ":1.4"
			one := docker("", append([]string{"create"}, words...)...)
			one = one[strings.LastIndexByte(one, '\n')+1:]
			answer := docker("", "inspect", "--format", "{{json .}}", one)
			docker("", "rm", "-v", one)
			got, err := host.ParseContainer("Docker", []byte(answer))
			if err != nil {
				t.Fatal(err)
			}
			if hits := c.Look(&Facts{Container: got, Secret: secretly}); len(hits) > 0 != page.found {
				t.Errorf("%s: found %t in %s, want %t\n%s", c.ID, len(hits) > 0, page.line, page.found, answer)
			}
			n++
		}
	}
	if want := 2*len(Checks()) - 4; n != want {
		t.Errorf("%d examples were tried, want %d", n, want)
	}
}

// TestFields holds what Docker calls a place, and what is beside the examples.
func TestFields(t *testing.T) {
	for _, c := range []struct{ check, line, field, detail string }{
		{"sensitive-host-path", "-v /srv:/srv -v /etc:/host/etc", "Mounts /etc", "/etc, passwords and start-up of the node"},
		{"sensitive-host-path", "-v /etc:/e:ro", "Mounts /etc", "/etc, passwords and start-up of the node, to read"},
		{"sensitive-host-path", "-v data:/etc", "", ""},
		{"dangerous-capability", "--cap-add=NET_BIND_SERVICE --cap-add=CAP_SYS_ADMIN", "HostConfig.CapAdd SYS_ADMIN", "SYS_ADMIN gives mounts, and most of what root may do"},
		{"added-capability", "--cap-add=cap_net_bind_service", "", ""},
		{"runtime-socket", "-v /run:/host/run", "Mounts /run", "/run"},
		{"mount-propagation", "-v /srv/web:/data:shared", "Mounts /srv/web", "/data"},
		{"host-device", "--device=/dev/sda", "HostConfig.Devices /dev/sda", "/dev/sda"},
		{"selinux-options", "--security-opt label=disable", "HostConfig.SecurityOpt label", "type spc_t"},
		{"privilege-escalation", "--security-opt no-new-privileges:true", "", ""},
		{"privilege-escalation", "--security-opt no-new-privileges=false", "HostConfig.SecurityOpt no-new-privileges", "not set"},
		{"secret-value", "-e DB_PASSWORD=x", "Config.Env DB_PASSWORD", "DB_PASSWORD: a password"},
		{"root", "--user 00:5", "Config.User", ""},
		{"root", "--user web", "", ""},
		{"restart", "--restart=on-failure", "HostConfig.RestartPolicy", "on-failure:0"},
		{"no-pids-limit", "--pids-limit -1", "HostConfig.PidsLimit", ""},
		{"privileged-port", "-p 443:8443", "HostConfig.PortBindings 8443/tcp", "8443/tcp is the host's 443"},
	} {
		i := slices.IndexFunc(Checks(), func(one Check) bool { return one.ID == "container/"+c.check })
		hits := Checks()[i].Look(&Facts{Container: run(t, "docker run "+c.line+" "+image), Secret: secretly})
		var got []string
		for _, h := range hits {
			_, detail, _ := strings.Cut(h.Detail, "): ")
			got = append(got, h.Subject.Field, detail)
		}
		var want []string
		if c.field != "" {
			want = []string{c.field, c.detail}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %s:\n%s", c.check, c.line, diff)
		}
	}
}

// TestByID holds that an image which was named by its id is taken for pinned.
func TestByID(t *testing.T) {
	for _, name := range []string{"sha256:0f7fbd8e0f9d5a52f9d9c0b1c2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5", "0f7fbd8e0f9d"} {
		for _, c := range Checks() {
			if hits := c.Look(&Facts{Container: run(t, "docker run "+name)}); strings.Contains(c.ID, "/image-") && len(hits) > 0 {
				t.Errorf("%s finds %+v in %s", c.ID, hits, name)
			}
		}
	}
}
