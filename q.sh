python3 - <<'P'
import socket,subprocess,os
p='/tmp/h/try/s3.sock'
try: os.unlink(p)
except: pass
l=socket.socket(socket.AF_UNIX); l.bind(p); l.listen(1)
pr=subprocess.Popen(['timeout','20','/tmp/qemu-ref/qemu-system-x86_64','-M','q35','-nodefaults','-display','none','-qtest','unix:'+p,'-qtest-log','/tmp/h/try/log','-accel','qtest'])
c,_=l.accept(); f=c.makefile('rw')
for r in ('endianness','inb 0x999','irq_intercept_in ioapic','set_irq_in ioapic unnamed-gpio-in 3 1'):
    f.write(r+'\n'); f.flush(); x=f.readline()
    while x.startswith('IRQ'): x=f.readline()
c.shutdown(socket.SHUT_WR); c.recv(1); pr.terminate(); pr.wait()
P
cat /tmp/h/try/log
