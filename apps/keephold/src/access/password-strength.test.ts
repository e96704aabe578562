import { expect, test } from 'vitest';
import { weaknessOf } from './password-strength.ts';

test.each([
  'bench horse battery',
  'correct horse battery staple',
  'Tr0ub4dor&3xyz',
  'ein hund und zwei katzen',
  'мой пароль длинный',
])('takes %s', (password) => {
  expect(weaknessOf(password)).toBeUndefined();
});

test.each([
  ['short', /5 characters/],
  ['', /0 characters/],
  ['aaaaaaaaaaaaaaaa', /repeats/],
  ['121212121212', /repeats/],
  ['abcdefghijklmn', /sequence/],
  ['987654321098', /sequence/],
  ['password1234', /tried/],
  ['Keephold2026!', /tried/],
  // Twelve UTF-16 units, but six characters.
  ['🎂🎉🎈🎁🎊🍰', /6 characters/],
])('refuses %s', (password, why) => {
  expect(weaknessOf(password)).toMatch(why);
});
