package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	osexec "os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const idle = 4 * time.Hour // as containerd has it

// exec runs a command as a container runtime does, but on this machine: in a folder of the container's own, with its
// name in the environment.
func (n *Node) exec(w http.ResponseWriter, r *http.Request) {
	namespace, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	pod, err := n.cluster.pod(namespace, name)
	if err == nil {
		err = mayExec(pod, container)
	}
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, errNotFound) {
			status = http.StatusNotFound
		}
		http.Error(w, err.Error(), status)
		return
	}
	o, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	folder := n.folder(pod, container)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	host := &host{folder: folder, environment: append(os.Environ(), "POD="+name, "CONTAINER="+container)}
	remotecommand.ServeExec(&upgrade{w, cancel}, r.WithContext(ctx), host, name, "", container,
		r.URL.Query()["command"], o, idle, remotecommand.DefaultStreamCreationTimeout,
		remotecommand.SupportedStreamingProtocols)
}

func mayExec(pod *Pod, container string) error {
	status := pod.status(container)
	if status == nil && !pod.has(container) {
		return fmt.Errorf("container %q not found in pod %q: %w", container, pod.Metadata.Name, errNotFound)
	}
	if status == nil || status.State.Running == nil {
		return fmt.Errorf("container %q of pod %q is not running", container, pod.Metadata.Name)
	}
	return nil
}

// upgrade reports the end of the hijacked connection: a command ends with it.
type upgrade struct {
	http.ResponseWriter
	ended func()
}

func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffer, err := u.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	watched := &watchedConn{connection, u.ended}
	return watched, bufio.NewReadWriter(bufio.NewReader(io.MultiReader(
		io.LimitReader(buffer, int64(buffer.Reader.Buffered())), watched)), bufio.NewWriter(watched)), nil
}

type watchedConn struct {
	net.Conn
	ended func()
}

func (c *watchedConn) Read(to []byte) (int, error) {
	count, err := c.Conn.Read(to)
	if err != nil {
		c.ended()
	}
	return count, err
}

// host runs commands.
type host struct {
	folder      string
	environment []string
}

// exitCode of a command, in the form expected by the library; 128 + the signal that ended it, like in a shell.
func exitCode(err error) error {
	var exit *osexec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return utilexec.CodeExitError{Err: err, Code: code}
}

func (h *host) ExecInContainer(ctx context.Context, name, _, container string, command []string, in io.Reader,
	out, errs io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(command) == 0 {
		return errors.New("no command")
	}
	if _, err := osexec.LookPath(command[0]); err != nil {
		return fmt.Errorf("failed to exec in container: OCI runtime exec failed: exec failed: unable to start "+
			"container process: exec: %q: executable file not found in $PATH: unknown", command[0])
	}
	log.Printf("exec in %s/%s: %s", name, container, command[0])
	process := osexec.Command(command[0], command[1:]...)
	process.Dir, process.Env = h.folder, h.environment
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if tty {
		return onTerminal(ctx, process, in, out, resize)
	}
	return onPipes(ctx, process, in, out, errs)
}

// until the command has ended, or its connection, and with it the command.
func until(ctx context.Context, process *osexec.Cmd) error {
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-ctx.Done():
			syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		case <-over:
		}
	}()
	return exitCode(process.Wait())
}

func onPipes(ctx context.Context, process *osexec.Cmd, in io.Reader, out, errs io.WriteCloser) error {
	if out != nil {
		process.Stdout = out
	}
	if errs != nil {
		process.Stderr = errs
	}
	if in != nil {
		// Not process.Stdin: that would have Wait() wait for the client's last byte.
		pipe, err := process.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			io.Copy(pipe, in)
			pipe.Close()
		}()
	}
	if err := process.Start(); err != nil {
		return err
	}
	return until(ctx, process)
}

func onTerminal(ctx context.Context, process *osexec.Cmd, in io.Reader, out io.Writer,
	resize <-chan remotecommand.TerminalSize) error {
	master, slave, err := openTerminal()
	if err != nil {
		return err
	}
	defer master.Close()
	process.Stdin, process.Stdout, process.Stderr = slave, slave, slave
	process.SysProcAttr.Setctty = true
	err = process.Start()
	slave.Close()
	if err != nil {
		return err
	}
	go func() {
		for size := range resize {
			unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
		}
	}()
	if in != nil {
		go io.Copy(master, in)
	}
	told := make(chan struct{})
	go func() {
		io.Copy(out, master) // ends with EIO when no process has the terminal open
		close(told)
	}()
	err = until(ctx, process)
	select {
	case <-told:
	case <-time.After(time.Second): // a background process has it open
	}
	return err
}

func openTerminal() (*os.File, *os.File, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	master := os.NewFile(uintptr(fd), "/dev/ptmx")
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}
