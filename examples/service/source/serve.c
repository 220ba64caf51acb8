// Serves one file over HTTP: serve PORT FILE. Without a C library, for x86_64, so that the example is small; your own
// service is whatever your project builds.

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, SIGNAL = 13, EXIT = 60 };
enum { SENDFILE = 40, SOCKET = 41, ACCEPT = 43, BIND = 49, LISTEN = 50, OPTION = 54 };
enum { INTERNET = 2, STREAM = 1, LEVEL_SOCKET = 1, REUSE_ADDRESS = 2, TERMINATE = 15, RESTORER = 0x04000000 };

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");

static long call(long number, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

_Noreturn static void end(int code) {
  for (;;) call(EXIT, code, 0, 0, 0, 0);
}

static void say(int where, const char *text) {
  long bytes = 0;
  while (text[bytes] != 0) bytes++;
  call(WRITE, where, (long)text, bytes, 0, 0);
}

_Noreturn static void fail(const char *text) {
  say(2, text);
  end(1);
}

// The first process of a container is stopped by nothing that it does not ask for.
static void stopped(int signal) {
  (void)signal;
  end(0);
}

static void end_when_asked(void) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(int);
    unsigned long mask;
  } action = {stopped, RESTORER, stopped, 0};
  call(SIGNAL, TERMINATE, (long)&action, 0, sizeof action.mask, 0);
}

static int listen_on(const char *digits) {
  unsigned port = 0;
  for (; *digits >= '0' && *digits <= '9' && port < 65536; digits++) port = port * 10 + (unsigned)(*digits - '0');
  if (*digits != 0 || port == 0 || port > 65535) fail("serve: that is no port\n");
  struct {
    unsigned short family;
    unsigned char port[2];
    unsigned address;
    unsigned char padding[8];
  } address = {INTERNET, {(unsigned char)(port >> 8), (unsigned char)port}, 0, {0}};
  long listener = call(SOCKET, INTERNET, STREAM, 0, 0, 0);
  int yes = 1;
  call(OPTION, listener, LEVEL_SOCKET, REUSE_ADDRESS, (long)&yes, sizeof yes);
  if (call(BIND, listener, (long)&address, sizeof address, 0, 0) < 0) fail("serve: can't have that port\n");
  if (call(LISTEN, listener, 16, 0, 0, 0) < 0) fail("serve: can't listen\n");
  return (int)listener;
}

_Noreturn __attribute__((used)) void start(const long *stack) {
  char *const *arguments = (char *const *)(stack + 1);
  if (stack[0] != 3) fail("usage: serve PORT FILE\n");
  end_when_asked();
  int listener = listen_on(arguments[1]);
  say(1, "serving\n");
  for (;;) {
    char request[4096];
    long client = call(ACCEPT, listener, 0, 0, 0, 0);
    if (client < 0) continue;
    call(READ, client, (long)request, sizeof request, 0, 0);
    long file = call(OPEN, (long)arguments[2], 0, 0, 0, 0);
    if (file < 0) {
      say((int)client, "HTTP/1.0 404 Not Found\r\n\r\n");
    } else {
      say((int)client, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n");
      while (call(SENDFILE, client, file, 0, 1 << 20, 0) > 0) {}
      call(CLOSE, file, 0, 0, 0, 0);
    }
    call(CLOSE, client, 0, 0, 0, 0);
  }
}
