/** What owners, and whoever runs a server, are told of without asking; who is told, and what is on its way to them. */
export { type Contact, type ContactWish, confirmContact, contactOf, setContact } from './notices/contact.ts';
export {
  forgetDevice,
  keepWatch,
  noteCommit,
  putOffQuiet,
  type QuietDevice,
  quietDevices,
  seenDevices,
  tellQuiet,
} from './notices/device-watch.ts';
export { addNotice, NOTICE_CHOICES, type Notice, type NoticeChoice, shortId } from './notices/notice.ts';
export {
  type Channel,
  type Message,
  messageFailed,
  messageSent,
  messagesWaiting,
  sayMail,
  takeMessages,
} from './notices/outbox.ts';
export { addDigest, dueDigests, postNotices } from './notices/post.ts';
